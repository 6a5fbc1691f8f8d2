-- The demo restaurant of an earlier release. It cannot be renamed, so its code and name identify it.
DO $$
BEGIN
    UPDATE stores SET is_demo = true WHERE code = 'demo-store' AND name = '데모 식당' AND NOT is_demo;
END
$$;
