//! Texts: API keys.

pub(in super::super) const WAS_DELETED: &str = "The API key was deleted.";
pub(in super::super) const NOT_THE_NAME: &str = "this is not the name of the key";
pub(in super::super) const TYPE_THE_NAME: &str = "Type the name of the key.";
pub(in super::super) const NAME: &str = "Name";
pub(in super::super) const FOR_PEOPLE: &str = "For people.";
pub(in super::super) const ADMIN: &str = "Admin";
pub(in super::super) const ADMIN_HINT: &str =
    "For whom it acts, who has to allow it. Empty is any who allows it.";
pub(in super::super) const MADE: &str = "Made";
pub(in super::super) const LAST_USED: &str = "Last used";
pub(in super::super) const EXPIRES: &str = "Expires";
