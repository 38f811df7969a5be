-- The foreign-data wrapper has no handler: it gives servers and user mappings a place, and nothing
-- can be selected through it.

-- The validator is no function for people: it is not among those that are granted together, with ON ALL
-- FUNCTIONS IN SCHEMA. Postgres calls it whoever may execute it.
ALTER FUNCTION neon_auth_admin.neon_auth_admin_validator SET SCHEMA pg_catalog;

CREATE FOREIGN DATA WRAPPER neon_auth_admin
    NO HANDLER
    VALIDATOR pg_catalog.neon_auth_admin_validator;

-- Its mapping has the secret that keys of this database are sealed with. (Postgres' own way to make a
-- secret that dumps leave out: what belongs to an extension is not in them.)

CREATE SERVER neon_auth_admin_seal FOREIGN DATA WRAPPER neon_auth_admin;
SELECT neon_auth_admin.make_sealing_secret();
DROP FUNCTION neon_auth_admin.make_sealing_secret();
