"""The home's own page: prompts, one-tap answers, what was sent; no sign-in, no internet."""
