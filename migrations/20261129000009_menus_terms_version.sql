-- The menu version in which the name or price of the item last changed; 0 if that was before this column existed. An order
-- of the item is refused if the guest saw an older menu version. Release 0.1.0 does not update it.
ALTER TABLE menus ADD COLUMN terms_version bigint NOT NULL DEFAULT 0;
