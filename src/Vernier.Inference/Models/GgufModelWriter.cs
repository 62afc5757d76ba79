using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Safetensors;
using Vernier.Inference.Gguf;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Ggml;

namespace Vernier.Inference.Models;

/// <summary>Gives the encoded bytes of one row of a tensor.</summary>
/// <param name="row">The row in the Hugging Face checkpoint.</param>
/// <param name="bytes">Receives the whole row.</param>
public delegate void GgufRowBytes(long row, Span<byte> bytes);

/// <summary>
/// Writes a GGUF file: matrices in the blocks that they were quantized to, other tensors in the types that they are to have, rows in the
/// order of llama.cpp.
/// Until it is complete the file is <c>path.partial</c>.
/// </summary>
public sealed class GgufModelWriter : ModelWriter
{
    private readonly string _path;
    private readonly string _partial;
    private readonly bool _keep;
    private readonly Workers _workers;
    private readonly Dictionary<string, GgufItem> _items;
    private readonly GgufDraft _draft;
    private bool _complete;

    /// <summary>Reserves the space on the disk and writes what stands before the tensors.</summary>
    /// <param name="plan">What the file is to hold.</param>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="keep">Whether an unfinished file stays for another writer when this is disposed.</param>
    /// <param name="workers">The threads that encode blocks; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <exception cref="IOException">The folder is missing, or the disk has no room.</exception>
    public GgufModelWriter(GgufPlan plan, string path, bool keep = false, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (_path, _partial, _keep, _workers) = (path, path + ".partial", keep, workers ?? Workers.Shared);
        _items = plan.Items.ToDictionary(item => item.Source.Name, StringComparer.Ordinal);
        if (!keep)
            File.Delete(_partial);
        _draft = new GgufDraft(_partial, plan.Metadata, plan.Infos);
        foreach ((string name, float[] factors) in plan.Rope)
            _draft.Write(name, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()));
    }

    /// <inheritdoc/>
    public override long Bytes => _draft.Size;

    /// <inheritdoc/>
    public override void Write(string name, PackedMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        if (matrix is not BlockMatrix blocks || _items[name].Info.Type.Format != ((BlockLayout)blocks.Layout).Format)
            throw new ArgumentException($"{name} is {matrix.Layout.Summary}, and is to be {_items[name].Info.Type.Name}", nameof(matrix));
        WriteRows(name, (row, bytes) => blocks.Row((int)row).CopyTo(bytes));
    }

    /// <summary>Writes a tensor whose rows are encoded already.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rows">Gives the bytes of its rows.</param>
    /// <param name="report">Told the part of it that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two pieces.</param>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void WriteRows(string name, GgufRowBytes rows, Action<double>? report = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        GgufItem item = _items[name];
        ForPieces(item, report, (first, count, bytes) =>
        {
            for (int row = 0; row < count; row++)
                rows(item.SourceRow(first + row), bytes.Slice(row * item.RowBytes, item.RowBytes));
        }, cancellation);
    }

    /// <inheritdoc/>
    public override void Write(string name, TensorReader read, Action<double>? report = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(read);
        GgufItem item = _items[name];
        int size = item.Source.Type.Size(), sourceBytes = checked(item.Columns * size);
        bool copied = item.Info.Type.Element == item.Source.Type && item.Numbers == GgufNumbers.Same;
        var source = copied ? [] : new byte[item.RowsTogether * sourceBytes];
        var numbers = copied ? [] : new float[item.RowsTogether * item.Columns];
        ForPieces(item, report, (first, count, bytes) =>
        {
            Span<byte> raw = copied ? bytes : source.AsSpan(0, count * sourceBytes);
            if (item.Rows is null)
                read(first * sourceBytes, raw);
            for (int row = 0; row < count && item.Rows is not null; row++)
                read(item.SourceRow(first + row) * sourceBytes, raw.Slice(row * sourceBytes, sourceBytes));
            if (!copied)
                Convert(item, raw, numbers.AsSpan(0, count * item.Columns), bytes);
        }, cancellation);
    }

    /// <inheritdoc/>
    public override PackedMatrix Read(string name)
    {
        GgufItem item = _items[name];
        if (item.Info.Type.Format is not BlockFormat format || item.Source.Shape.Count != 2)
            throw new ArgumentException($"{name} is no matrix in blocks", nameof(name));
        var layout = new BlockLayout(checked((int)item.RowCount), item.Columns, format);
        byte[] stored = GC.AllocateUninitializedArray<byte>(checked(layout.Rows * layout.BytesPerRow));
        if (item.Rows is null)
            _draft.Read(item.Info.Name, item.FirstByte, stored);
        for (int row = 0; row < layout.Rows && item.Rows is not null; row++)
            _draft.Read(item.Info.Name, item.FirstByte + (long)row * layout.BytesPerRow,
                stored.AsSpan((int)item.SourceRow(row) * layout.BytesPerRow, layout.BytesPerRow));
        return new BlockMatrix(layout, stored);
    }

    /// <inheritdoc/>
    public override void Flush() => _draft.Flush();

    /// <inheritdoc/>
    public override void Complete()
    {
        _draft.Flush();
        File.Move(_partial, _path, overwrite: true);
        _complete = true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!_complete && !_keep)
            File.Delete(_partial);
        _complete = true;
        base.Dispose(disposing);
    }

    private unsafe void Convert(GgufItem item, ReadOnlySpan<byte> raw, Span<float> numbers, Span<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(raw.Length, numbers.Length * item.Source.Type.Size());
        fixed (byte* source = raw)
            ElementReader.ToSingle(item.Source.Type, source, numbers);
        item.Numbers.ToGguf(numbers);
        if (item.Info.Type.Format is BlockFormat format)
            format.EncodeRows(numbers, item.Columns, [], bytes, _workers);
        else
            FloatBytes.Write(numbers, item.Info.Type.Element!.Value, bytes);
    }

    private void ForPieces(GgufItem item, Action<double>? report, PieceFiller fill, CancellationToken cancellation)
    {
        int rowBytes = item.RowBytes;
        var bytes = new byte[item.RowsTogether * rowBytes];
        for (long first = 0; first < item.RowCount; first += item.RowsTogether)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = (int)Math.Min(item.RowsTogether, item.RowCount - first);
            Span<byte> piece = bytes.AsSpan(0, count * rowBytes);
            fill(first, count, piece);
            _draft.Write(item.Info.Name, item.FirstByte + first * rowBytes, piece);
            report?.Invoke((first + count) / (double)item.RowCount);
        }
    }

    private delegate void PieceFiller(long first, int count, Span<byte> bytes);
}
