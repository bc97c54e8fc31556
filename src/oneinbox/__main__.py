"""`python -m oneinbox`."""

from oneinbox.cli import main

if __name__ == "__main__":
    main()
