"""What a fit may raise on the histograms of one file: that file then has no own value, and nothing else stops."""

FIT_ERRORS = (ArithmeticError, ValueError)
"""Singular systems (`numpy.linalg.LinAlgError`, a ValueError), divisions by zero, values no fit can be made of."""
