"""The dashboard's panels and what they are made of."""
