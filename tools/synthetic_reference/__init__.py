"""How the reference is made from published facts and the sample's summaries; the generator itself needs none of it."""
