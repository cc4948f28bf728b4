"""Why two runs part: the first divergent step computed anew, with each of the usual suspects."""
