"""The commands of `oneinbox`: clients of the rooms below."""
