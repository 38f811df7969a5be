-- The foreign-data wrapper has no handler: it gives servers and user mappings a place, and nothing
-- can be selected through it.

CREATE FOREIGN DATA WRAPPER neon_auth_admin
    NO HANDLER
    VALIDATOR neon_auth_admin.neon_auth_admin_validator;
