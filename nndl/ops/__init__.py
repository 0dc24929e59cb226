"""The operations: for each family one file per backend, forward above backward.

The letters that shapes are written in, here and in every file below:

    m            examples in the mini-batch
    n, n_in, n_out   neurons of a dense layer
    c, h, w      channels (feature maps), rows and columns of an image
    f            filters of a convolution, the channels of what it makes
    kh, kw       rows and columns of a kernel;  sh, sw  of a stride;  ph, pw  of a padding
    oh, ow       rows and columns of an output

An operation is a pure function.  It draws no random number, keeps nothing between calls, and what
its backward half needs is a named argument that the forward half was given or returned.  Gradients
are sums over the mini-batch; the mean is taken once, in the update.

`work`, where an operation has it, is None or a dict that the caller owns.  With a dict, the Numba
files keep their results and scratch arrays in it and use them again at the next call, so that a
training step allocates nothing; a result is then valid until the next call with the same dict.
With None every result is new.  The NumPy files always make new arrays: they are the definition,
and a definition needs no buffers.
"""
