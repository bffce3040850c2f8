"""The only way to the cloud: requests, their answers, and who has sent them."""
