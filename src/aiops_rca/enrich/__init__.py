"""A diagnosis to a question for a language model, and its answer to a narrative that cites evidence. Pure.

What goes out is cleaned and redacted; what comes back is checked against what went out, and what does not
check out is dropped. The model can neither name a service nor word an action that was not there before.
"""
