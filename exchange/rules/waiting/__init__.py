"""Orders that wait for a price: taking them in, seeing what reached them, letting them go; and
pairs of orders of which one cancels the other.
"""
