"""Texts → graphs, by chemprop itself; chemprop's own function makes a batch of them."""

from chemprop.data import MoleculeDatapoint, MoleculeDataset


def encode(rows, card):
    """One item a row, as the package's dataset has them."""
    points = [MoleculeDatapoint.from_smi(smiles) for smiles in rows["smiles"].to_pylist()]
    dataset = MoleculeDataset(points)
    return [dataset[number] for number in range(len(dataset))]
