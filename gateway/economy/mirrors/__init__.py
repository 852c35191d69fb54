"""Markets of other venues that are traded here, and the house that quotes in them.

terms       what market of ours stands for one of another venue, and which can't be mirrored
making      lists it, once, and finds it again: `mirror_of`
quoting     the house's prices and sizes, by the rule
house       keeps them in the books, and takes them out
judging     what follows from what a source says of its end
resolving   the job that asks sources how they ended
carrying    halts and resolves mirrors as was judged, in the engine's process
"""
