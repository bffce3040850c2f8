"""What every service of the fake is made of; it knows none of them."""
