-- How many rows each set has, or so: without it a planner reckons with 1,000, and what is joined with them
-- looks expensive enough to be compiled. What list_users has is like any table.

ALTER FUNCTION neon_auth_admin.apply ROWS 10;
ALTER FUNCTION neon_auth_admin.check_connection ROWS 10;
ALTER FUNCTION neon_auth_admin.list_branches ROWS 10;
ALTER FUNCTION neon_auth_admin.list_domains ROWS 10;
ALTER FUNCTION neon_auth_admin.list_integrations ROWS 1;
ALTER FUNCTION neon_auth_admin.list_oauth_clients ROWS 10;
ALTER FUNCTION neon_auth_admin.list_oauth_providers ROWS 4;
ALTER FUNCTION neon_auth_admin.list_operations ROWS 50;
ALTER FUNCTION neon_auth_admin.list_projects ROWS 10;
ALTER FUNCTION neon_auth_admin.plan ROWS 10;
