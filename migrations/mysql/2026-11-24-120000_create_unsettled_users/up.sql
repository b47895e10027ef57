-- Users whose files may differ from their figures: whoever is here at a start is counted again.
CREATE TABLE IF NOT EXISTS unsettled_users (
    user_id integer NOT NULL PRIMARY KEY
) ENGINE = InnoDB;
