"""The care team's and the person's pages: presenters make views of rows, templates show them."""
