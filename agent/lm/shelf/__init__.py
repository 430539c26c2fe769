"""The shelf: real models by short name, fetched once into the user's cache. Loads none of them."""
