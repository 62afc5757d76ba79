namespace Vernier.Cli.Terminal;

/// <summary>Columns of plain text, two spaces apart: the same on a terminal and in a pipe, easy to read and to cut.</summary>
internal sealed class TextTable
{
    private readonly List<string[]> _rows = [];
    private readonly bool[] _right;

    /// <summary>Creates a table.</summary>
    /// <param name="headers">The titles; one that begins with <c>&gt;</c> heads a column that is flush right.</param>
    public TextTable(params string[] headers)
    {
        _right = Array.ConvertAll(headers, header => header.StartsWith('>'));
        _rows.Add(Array.ConvertAll(headers, header => header.StartsWith('>') ? header[1..] : header));
    }

    /// <summary>Adds a row; cells at its end may be left out. Control characters, which can come from a file, are replaced.</summary>
    public void Add(params string[] cells) =>
        _rows.Add(Array.ConvertAll(cells, cell => string.Concat(cell.Select(c => char.IsControl(c) ? '\uFFFD' : c))));

    /// <summary>Writes the table.</summary>
    public void Write(TextWriter writer)
    {
        int[] widths = [.. _right.Select((_, column) => _rows.Max(row => column < row.Length ? row[column].Length : 0))];
        foreach (string[] row in _rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) =>
                _right[column] ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            writer.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }
}
