"""Asking others over HTTP: services that an operator names, and addresses that anybody may name.

asking    services that are set: who somebody is, nodes of chains
public    what a user of ours wants to be told: https to public addresses alone
"""
