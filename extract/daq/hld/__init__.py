"""HLD, the event builder's binary of the readout board: the same events as the text, kept much longer."""
