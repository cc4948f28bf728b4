"""What a model did over a whole corpus: totals that are added up batch by batch and merged in any order."""
