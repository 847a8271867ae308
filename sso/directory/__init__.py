"""Who is who: people, organisations, posts and roles."""
