using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Tests.Packing.Foreign;

/// <summary>A layout that the library does not know: whole numbers of 8 bits times one step for the matrix.</summary>
public sealed record ForeignLayout(int Rows, int Columns, int Step) : PackedLayout(Rows, Columns)
{
    public const string Name = "foreign";

    public override string Kind => Name;

    public override double CodeBits => 8;

    public override string Summary => $"8 bits, step {Step}";

    public override int GroupColumns => -1;

    protected override IEnumerable<TensorInfo> CodeArrays(string name) => [new($"{name}.numbers", ElementType.U8, [Rows, Columns])];

    public override void Describe(JsonObject entry) => entry["step"] = Step;

    public static ForeignLayout Parse(LayoutEntry entry) => new(entry.Rows, entry.Columns, entry.Integer("step", 1, 100));

    public override PackedMatrix Read(PackedArrays arrays)
    {
        byte[] numbers = arrays.Read<byte>("numbers");
        return numbers.Contains((byte)255) ? throw arrays.Invalid("numbers", "foreign-number", "255 is no number")
            : new ForeignMatrix(this, numbers, arrays.Outliers(this, 1));
    }
}

/// <summary>A matrix of it: w = step (number - 127).</summary>
public sealed class ForeignMatrix(ForeignLayout layout, byte[] numbers, Outliers? outliers = null) : PackedMatrix(layout, outliers)
{
    public int Step => layout.Step;

    public override float Unit => 1;

    public ReadOnlySpan<byte> Row(int row) => numbers.AsSpan(row * Columns, Columns);

    protected override void DecodeRow(int row, Span<float> destination)
    {
        for (int i = 0; i < Columns; i++)
            destination[i] = Step * (Row(row)[i] - 127);
    }

    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() => [numbers];
}

/// <summary>How the integer kernels multiply it.</summary>
public sealed class ForeignPreparer : SourcePreparer<ForeignMatrix>
{
    public override PanelSource Source(ForeignMatrix matrix, Workers workers)
    {
        sbyte[] levels = [.. Enumerable.Range(0, 256).Select(number => (sbyte)Math.Min(number - 127, 127))];
        float[] scales = [.. Enumerable.Repeat((float)matrix.Step, matrix.Rows)];
        return new PanelSource(
            matrix.Rows, matrix.Columns, 1, matrix.Columns, 8, matrix.Rows, (row, codes) => matrix.Row(row).CopyTo(codes),
            [new PanelPart { Levels = levels, WideScales = scales }]);
    }
}
