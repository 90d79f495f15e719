//! Where credentials are found: systemd, keyrings, files. Never logs a value.
