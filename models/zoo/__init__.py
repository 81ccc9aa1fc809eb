"""Networks, one readable file each, independent of one another."""
