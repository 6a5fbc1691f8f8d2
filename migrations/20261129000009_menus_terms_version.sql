-- The store's menu version when the name or price of the item last changed; 0 where that was before this column. An
-- order of a tablet that was offline is refused if what it shows is older. Release 0.1.0 does not write it.
ALTER TABLE menus ADD COLUMN terms_version bigint NOT NULL DEFAULT 0;
