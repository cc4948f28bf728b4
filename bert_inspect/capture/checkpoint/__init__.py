"""From a name to the files of a checkpoint, held to what they may hold before anything is loaded, and their content."""
