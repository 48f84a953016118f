"""Parts of the documentation that are made by running what they describe."""
