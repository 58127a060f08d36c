"""What all of the face stands on: its tensor, its dtypes and devices, and the border to the library."""
