"""What was known when: the table of series, release clocks, vintages, the data gate."""
