using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>Y_i = X W_i^T for up to three prepared matrices that are cut alike, as one piece of parallel work.</summary>
internal unsafe struct PreparedProduct : ITeamWork
{
    /// <summary>The most matrices of one product.</summary>
    public const int MostWeights = 3;

    /// <summary>The tiles that pass by a panel while it is expanded: their 16 outputs stay in the first cache.</summary>
    private const int BlockTiles = 42;

    /// <summary>No block has more: tiles are dealt out evenly to the number of blocks that is nearest to <see cref="BlockTiles"/>
    /// each.</summary>
    private const int MaxBlockTiles = BlockTiles + BlockTiles / 2;

    /// <summary>The most items of one token.</summary>
    private const int MostRuns = 256;

    private Parts _parts;
    private int _count, _rows, _tiles, _blocks;
    private RowsViews _x;

    // Where the runs of panels of one token end.
    private ReadOnlyMemory<int> _ends;

    /// <summary>Adds a matrix and the place of its outputs.</summary>
    public void Add(PreparedWeight weight, float* y) => _parts[_count++] = new Part { Weight = weight, Y = y };

    /// <summary>Rounds the rows of X and multiplies.</summary>
    public void Run(float* x, int rows, Workers workers)
    {
        if (rows == 0)
            return;
        PanelPlan plan = _parts[0].Weight.Plan;
        using var quantized = new QuantizedRows(x, rows, plan, _parts[0].Weight.Columns, _parts[0].Weight.Views, workers);
        for (int view = 0; view < _parts[0].Weight.Views; view++)
            _x[view] = quantized.View(view);
        _rows = rows;
        // One token's tiles are tokens; they have no blocks.
        _tiles = quantized.Tiles;
        _blocks = quantized.Tile == 1 ? 0 : Math.Max(1, (_tiles + BlockTiles / 2) / BlockTiles);
        int panels = 0;
        for (int i = 0; i < _count; i++)
        {
            panels += _parts[i].Weight.Plan.Panels;
            _parts[i].Items = _parts[i].Weight.Plan.Panels * Math.Max(1, _blocks);
        }
        using var ends = new PooledArray<int>(MostRuns);
        _ends = ends.Memory;
        int items = _blocks > 0 ? checked(panels * _blocks) : Deal(panels, workers.Threads, ends.Span);
        workers.Run(items, ref this);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Invoke(int index)
    {
        float* sums = stackalloc float[MaxBlockTiles * QuantizedRows.TileTokens * PanelPlan.PanelRows];
        if (_blocks == 0)
        {
            ReadOnlySpan<int> ends = _ends.Span;
            for (int item = index == 0 ? 0 : ends[index - 1], last = ends[index]; item < last; item++)
            {
                ref readonly Part owner = ref PartOf(item, out int panel);
                int stop = Math.Min(owner.Items, panel + last - item);
                for (int token = 0; token < _rows; token++)
                    Generate(owner, panel, stop, token, sums);
            }
            return;
        }
        ref readonly Part part = ref PartOf(index, out int local);
        PanelPlan plan = part.Weight.Plan;
        (int block, int blockPanel) = Math.DivRem(local, plan.Panels);
        int tile = (int)((long)_tiles * block / _blocks), tiles = (int)((long)_tiles * (block + 1) / _blocks) - tile;
        int first = tile * QuantizedRows.TileTokens, end = Math.Min(_rows, first + tiles * QuantizedRows.TileTokens);
        for (int i = 0; i < part.Weight.Parts.Length; i++)
        {
            part.Weight.Parts[i].Touched(blockPanel, blockPanel + 1);
            Touch.Within(0, tiles, MaxBlockTiles);
            part.Weight.PanelKernels[i].Prompt(part.Weight.Parts[i], _x[part.Weight.Parts[i].View], tile, tiles, blockPanel, sums);
            Write(part, blockPanel, first, end - first, sums, i > 0);
        }
    }

    // Runs of panels, long ones first: a thread reads on where it is, and all come to their end at nearly the same time.
    private static int Deal(int panels, int threads, Span<int> ends)
    {
        int items = 0;
        for (int done = 0; done < panels;)
        {
            int left = panels - done, run = Math.Max(
                (left + 2 * threads - 1) / (2 * threads), (panels + MostRuns / 2 - 1) / (MostRuns / 2));
            done = Math.Min(panels, done + run);
            ends[items++] = done;
        }
        return items;
    }

    [UnscopedRef]
    private readonly ref readonly Part PartOf(int item, out int local)
    {
        int number = 0;
        for (; item >= _parts[number].Items; number++)
            item -= _parts[number].Items;
        local = item;
        return ref _parts[number];
    }

    private readonly void Generate(in Part part, int panel, int end, int token, float* sums)
    {
        ReadOnlySpan<PanelMatrix> parts = part.Weight.Parts;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i].Touched(panel, end);
            if (i + 1 < parts.Length && parts[i].SharesCodes(parts[i + 1]))
            {
                part.Weight.PanelKernels[i].GeneratePair(
                    parts[i], parts[i + 1], _x[parts[i].View].Token(token), _x[parts[i + 1].View].Token(token), panel, end, sums);
                Write(part, panel, token, 1, sums, i > 0);
                Write(part, panel, token, 1, sums + PanelPlan.PanelRows, add: true);
                i++;
                continue;
            }
            part.Weight.PanelKernels[i].Generate(part.Weight.Parts[i], _x[part.Weight.Parts[i].View].Token(token), panel, end, sums);
            Write(part, panel, token, 1, sums, i > 0);
        }
    }

    /// <summary>Stores or adds the sums of a panel for consecutive tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(in Part part, int panel, int firstToken, int tokens, float* sums, bool add)
    {
        PanelPlan plan = part.Weight.Plan;
        int rows = plan.Rows(panel);
        long stride = plan.AllRows;
        float* y = part.Y + firstToken * stride + plan.Row(panel);
        for (int token = 0; token < tokens; token++, y += stride, sums += PanelPlan.PanelRows)
        {
            if (rows == PanelPlan.PanelRows)
            {
                Vector512<float> sum = Vector512.Load(sums);
                (add ? Vector512.Load(y) + sum : sum).Store(y);
                continue;
            }
            for (int r = 0; r < rows; r++)
                y[r] = add ? y[r] + sums[r] : sums[r];
        }
    }

    private struct Part
    {
        public PreparedWeight Weight;
        public float* Y;
        public int Items;
    }

    [InlineArray(MostWeights)]
    private struct Parts
    {
        private Part _first;
    }

    [InlineArray(QuantizedRows.MostViews)]
    private struct RowsViews
    {
        private RowsView _first;
    }
}
