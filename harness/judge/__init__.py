"""From evidence to verdicts. Pure: no sockets, no clocks, no files; starts nothing."""
