"""Who may do what, when: `policy.toml`, a file of its own because other people own it than own the configuration.

Broken or missing means that nothing may be written; reading goes on. What is valid is never guessed at: a policy that
cannot be read whole is not read in part.
"""
