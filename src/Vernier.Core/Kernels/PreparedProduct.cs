using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Numerics;

namespace Vernier.Kernels;

/// <summary>Y_i = X W_i^T for up to three prepared matrices that are cut alike, as one piece of parallel work.</summary>
internal unsafe struct PreparedProduct : ITeamWork
{
    /// <summary>The most matrices of one product.</summary>
    public const int MostWeights = 3;

    /// <summary>The tiles that pass by a panel while it is expanded: their 16 outputs stay in the first cache.</summary>
    private const int BlockTiles = 42;

    /// <summary>No block has more: tiles are dealt out evenly to the number of blocks that is nearest to <see cref="BlockTiles"/> each.</summary>
    private const int MaxBlockTiles = BlockTiles + BlockTiles / 2;

    /// <summary>Items of one token for each thread: enough that a thread which comes late takes fewer.</summary>
    private const int ItemsPerThread = 4;

    private Parts _parts;
    private int _count, _rows, _tiles, _blocks;
    private RowsViews _x;

    /// <summary>Adds a matrix and the place of its outputs.</summary>
    public void Add(PreparedWeight weight, float* y) => _parts[_count++] = new Part { Weight = weight, Y = y };

    /// <summary>Rounds the rows of X and multiplies.</summary>
    public void Run(float* x, int rows)
    {
        if (rows == 0)
            return;
        PanelPlan plan = _parts[0].Weight.Plan;
        using var quantized = new QuantizedRows(x, rows, plan, _parts[0].Weight.Columns, _parts[0].Weight.Views);
        for (int view = 0; view < _parts[0].Weight.Views; view++)
            _x[view] = quantized.View(view);
        _rows = rows;
        // One token's tiles are tokens; they have no blocks.
        _tiles = quantized.Tiles;
        _blocks = quantized.Tile == 1 ? 0 : Math.Max(1, (_tiles + BlockTiles / 2) / BlockTiles);
        long panels = 0;
        for (int i = 0; i < _count; i++)
            panels += _parts[i].Weight.Plan.Panels;
        int items = 0;
        for (int i = 0; i < _count; i++)
        {
            int own = _parts[i].Weight.Plan.Panels;
            _parts[i].Items = _blocks > 0 ? own * _blocks : (int)Math.Min(own, (own * (long)ItemsPerThread * ParallelLoop.MaxThreads + panels - 1) / panels);
            items += _parts[i].Items;
        }
        WorkerTeam.Run(items, ref this);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Invoke(int index)
    {
        int number = 0;
        for (; index >= _parts[number].Items; number++)
            index -= _parts[number].Items;
        ref readonly Part part = ref _parts[number];
        PanelPlan plan = part.Weight.Plan;
        float* sums = stackalloc float[MaxBlockTiles * QuantizedRows.TileTokens * PanelPlan.PanelRows];
        if (_blocks == 0)
        {
            int end = (int)((long)plan.Panels * (index + 1) / part.Items);
            for (int panel = (int)((long)plan.Panels * index / part.Items); panel < end; panel++)
            {
                for (int token = 0; token < _rows; token++)
                    Generate(part, panel, token, sums);
            }
            return;
        }
        (int block, int blockPanel) = Math.DivRem(index, plan.Panels);
        int tile = (int)((long)_tiles * block / _blocks), tiles = (int)((long)_tiles * (block + 1) / _blocks) - tile;
        int first = tile * QuantizedRows.TileTokens, last = Math.Min(_rows, first + tiles * QuantizedRows.TileTokens);
        for (int i = 0; i < part.Weight.Parts.Length; i++)
        {
            part.Weight.PanelKernels[i].Prompt(part.Weight.Parts[i], _x[part.Weight.Parts[i].View], tile, tiles, blockPanel, sums);
            Write(part, blockPanel, first, last - first, sums, i > 0);
        }
    }

    private readonly void Generate(in Part part, int panel, int token, float* sums)
    {
        ReadOnlySpan<PanelMatrix> parts = part.Weight.Parts;
        for (int i = 0; i < parts.Length; i++)
        {
            if (i + 1 < parts.Length && parts[i].SharesCodes(parts[i + 1]))
            {
                part.Weight.PanelKernels[i].GeneratePair(parts[i], parts[i + 1], _x[parts[i].View].Token(token), _x[parts[i + 1].View].Token(token), panel, sums);
                Write(part, panel, token, 1, sums, i > 0);
                Write(part, panel, token, 1, sums + PanelPlan.PanelRows, add: true);
                i++;
                continue;
            }
            part.Weight.PanelKernels[i].Generate(part.Weight.Parts[i], _x[part.Weight.Parts[i].View].Token(token), panel, sums);
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
