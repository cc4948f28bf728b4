"""Makes the font that the package carries for PNG pictures: DejaVu Sans, reduced to the characters that pictures need.

    python pictures/subset_font.py FOLDER    (with fonttools installed; FOLDER holds DejaVuSans.ttf and its bold)

Latin, Greek, Cyrillic, punctuation, super- and subscripts, arrows, mathematical operators, boxes and shapes.
"""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

RANGES = [(0x20, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x2000, 0x206F), (0x2070, 0x209F), (0x20AC, 0x20AC)]
RANGES += [(0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2500, 0x25FF), (0xFFFD, 0xFFFD)]
NAME = "Inspect Sans"
"""A name of its own, so that no other version of the font that a machine has is taken for it."""
TARGET = Path(__file__).parent.parent / "bert_inspect" / "data" / "fonts"


def main(folder: Path) -> None:
    """Write the reduced fonts of a folder."""
    options = Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=["*"])
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "kern", "FFTM"]
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        font = load_font(str(folder / name), options)
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
        subsetter.subset(font)
        for entry in font["name"].names:
            if entry.nameID in (1, 3, 4, 6, 16):
                renamed = entry.toUnicode().replace("DejaVuSans", NAME.replace(" ", "")).replace("DejaVu Sans", NAME)
                entry.string = renamed
        save_font(font, str(TARGET / name), options)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
