"""A data set as a page to look at: annotated pictures, plots of what it holds, and one HTML file with them."""
