"""The services of the fake: URLs, responses and models each."""
