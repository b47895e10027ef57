-- What restricts the logins of a user, as JSON; nothing for most. A table that was taken over may have a column filters of
-- its own, so this one has another name. The codes of the second factor that were used are apart from it.
ALTER TABLE users ADD COLUMN IF NOT EXISTS user_filters text NULL;
ALTER TABLE users ADD COLUMN IF NOT EXISTS spent_steps bigint NOT NULL DEFAULT 0;
