"""Pages to look at: a data set's annotated pictures and plots of what it holds, and a model's results on one."""
