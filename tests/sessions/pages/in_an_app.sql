-- What people have done in an app before somebody looks into its tables (docs/users.md).

SELECT neon_auth_admin.create_user('ada@example.com', 'Ada Lovelace') AS ada,
    neon_auth_admin.create_user('grace@example.com', 'Grace Hopper') AS grace \gset
SELECT id AS ada FROM neon_auth_admin.wait_for_user((:'ada'::neon_auth_admin.auth_user).id) \gset
SELECT id AS grace FROM neon_auth_admin.wait_for_user((:'grace'::neon_auth_admin.auth_user).id) \gset
INSERT INTO neon_auth.account ("userId", "accountId", "providerId", "updatedAt", password, "accessToken") VALUES
    (:'ada', '1815', 'google', '2026-11-02', NULL, 'ya29.secret'),
    (:'ada', :'ada', 'credential', '2026-11-20', 'scrypt:secret', NULL),
    (:'grace', '1906', 'github', '2026-11-05', NULL, 'gho_secret');
INSERT INTO neon_auth.session ("userId", token, "createdAt", "updatedAt", "expiresAt", "ipAddress", "userAgent") VALUES
    (:'ada', 'secret-1', now() - interval '3 days', now() - interval '1 hour', now() + interval '4 days', '192.0.2.7', 'Firefox/145'),
    (:'ada', 'secret-2', now() - interval '9 days', now() - interval '9 days', now() - interval '2 days', '192.0.2.9', 'Safari/19'),
    (:'grace', 'secret-3', now() - interval '1 day', now() - interval '2 hours', now() + interval '6 days', '198.51.100.4', 'curl/8.14');
INSERT INTO neon_auth.organization (id, name, slug, "createdAt") VALUES
    ('00000000-0000-4000-8000-000000000001', 'Analytical Engines', 'engines', '2026-11-01'),
    ('00000000-0000-4000-8000-000000000002', 'Compilers', 'compilers', '2026-11-03');
INSERT INTO neon_auth.member ("organizationId", "userId", role, "createdAt") VALUES
    ('00000000-0000-4000-8000-000000000001', :'ada', 'owner', '2026-11-01'),
    ('00000000-0000-4000-8000-000000000001', :'grace', 'member', '2026-11-04'),
    ('00000000-0000-4000-8000-000000000002', :'grace', 'owner', '2026-11-03');
