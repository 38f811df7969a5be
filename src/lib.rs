//! neon_auth_admin
