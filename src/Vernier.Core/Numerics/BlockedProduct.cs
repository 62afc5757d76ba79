using System.Numerics;
using System.Numerics.Tensors;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>
/// Runs a product with tile <typeparamref name="TTile"/>, blocked for the caches. k is cut into blocks of up to 4 KiB, as
/// few as the caches allow, for each goes through the result once more. A panel of B of one block and a block of a few dozen rows of A
/// stay in the second cache while they meet.
/// </summary>
/// <remarks>
/// With many rows both factors are packed, in steps that bound the buffers, each step having a phase of packing and a phase of
/// multiplying. With few rows a panel of B would be used by one task alone: then the task packs it itself, a group of panels at a time, and
/// while it multiplies a group, it prefetches the source of the next. How outputs are dealt out to tasks and threads decides only where
/// they are computed; their value follows from the cuts of k, which depend on k alone.
/// </remarks>
internal sealed unsafe class BlockedProduct<TTile, T>
    where TTile : struct, IMatrixTile<T>
    where T : unmanaged, INumber<T>
{
    private const int BlockRows = 72, BlockColumns = 512;
    private const int FewRows = 288, StepRows = 4608, StepColumns = 2048;
    private const int StepElements = 1 << 22, PackElements = 1 << 16, SmallWork = 1 << 19, TasksPerWorker = 16;

    /// <summary>Elements more than are used, so that the first begins on a cache line.</summary>
    private static int Slack => 64 / sizeof(T);

    private static int BlockTerms => 4096 / sizeof(T);

    private readonly ProductTask<T> _task;
    private readonly int _blocks, _stepBlocks, _workers;
    private readonly bool _fewRows;
    private readonly int _groupPanels;
    private readonly int _stepRows, _stepColumns;
    private PhaseCounter _phases = null!;
    private T* _packedA, _packedB;

    public BlockedProduct(ProductTask<T> task)
    {
        _task = task;
        _blocks = (task.K + BlockTerms - 1) / BlockTerms;
        _fewRows = task.M <= FewRows && !task.Lower;
        // Panels that continue each other's lines are packed together; rows a power of two apart would evict each other.
        _groupPanels = task.B.TermStride == 1 ? 2 : 4;
        _stepRows = Math.Min(RoundUp(task.M, TTile.Rows), RoundUp(StepRows, TTile.Rows));
        _stepColumns = Math.Min(RoundUp(task.N, TTile.Columns), _fewRows ? int.MaxValue : RoundUp(StepColumns, TTile.Columns));
        int packed = _stepRows + (_fewRows ? 0 : _stepColumns);
        // With few rows a block of A is small enough to stay in a cache while all of B passes, if there is one block at a time.
        _stepBlocks = _fewRows ? 1 : Math.Clamp(StepElements / (packed * LongestBlock), 1, _blocks);
        _workers = (task.M + 16L) * task.N * task.K < SmallWork ? 1 : task.Workers.Threads;
    }

    private int LongestBlock => (_task.K + _blocks - 1) / _blocks;

    public void Run()
    {
        int length = _stepBlocks * LongestBlock;
        using var a = new PooledArray<T>((_stepRows * length) + Slack);
        using var b = new PooledArray<T>(_fewRows ? 0 : (_stepColumns * length) + Slack);
        int steps = Steps(_task.N, _stepColumns) * Steps(_blocks, _stepBlocks) * Steps(_task.M, _stepRows);
        _phases = new PhaseCounter(2 * steps);
        fixed (T* pa = a.Span, pb = b.Span)
        {
            _packedA = Align(pa);
            _packedB = _fewRows ? null : Align(pb);
            var team = new Team { Product = this };
            _task.Workers.Run(_workers, ref team);
        }
    }

    private struct Team : ITeamWork
    {
        public BlockedProduct<TTile, T> Product;

        public readonly void Invoke(int index) => Product.Work();
    }

    // Every worker walks through the same steps and takes part in each as far as tasks are left.
    private void Work()
    {
        T* edge = stackalloc T[(TTile.Rows * TTile.Columns) + Slack];
        nint* list = stackalloc nint[Steps(BlockTerms, TileStore.AheadTerms)];
        using var own = new PooledArray<T>(_fewRows ? (_groupPanels * TTile.Columns * LongestBlock) + Slack : 0);
        fixed (T* panel = own.Span)
        {
            var scratch = new Scratch(Align(edge), _fewRows ? Align(panel) : null, list);
            int phase = 0;
            for (int column = 0; column < _task.N; column += _stepColumns)
            {
                for (int block = 0; block < _blocks; block += _stepBlocks)
                {
                    for (int row = FirstRow(column); row < _task.M; row += _stepRows, phase += 2)
                    {
                        int rows = Math.Min(_stepRows, _task.M - row), columns = Math.Min(_stepColumns, _task.N - column);
                        Step(new Extent(row, rows, column, columns, block, Math.Min(_blocks, block + _stepBlocks)), phase, scratch);
                    }
                }
            }
        }
    }

    private void Step(Extent step, int phase, Scratch scratch)
    {
        int length = First(step.EndBlock) - First(step.Block);
        int chunk = Math.Max(1, PackElements / (TTile.Columns * length)) * TTile.Columns,
            chunkA = Math.Max(1, chunk / TTile.Rows) * TTile.Rows;
        int tasksA = Steps(step.Rows, chunkA), tasksB = _fewRows || step.Row > FirstRow(step.Column) ? 0 : Steps(step.Columns, chunk);
        while (_phases.TryClaim(phase, tasksA + tasksB, out int index))
        {
            if (index < tasksA)
                Pack(_task.A, step, step.Row, step.Rows, index * chunkA, chunkA, TTile.Rows, _packedA, _task.Negate);
            else
                Pack(_task.B, step, step.Column, step.Columns, (index - tasksA) * chunk, chunk, TTile.Columns, _packedB, false);
            _phases.Complete(phase);
        }
        _phases.Wait(phase, tasksA + tasksB);

        // A task is a block of rows and a run of panels, both cut evenly.
        int tiles = Steps(step.Rows, TTile.Rows), panels = Steps(step.Columns, TTile.Columns);
        int cutRows = _fewRows ? 1 : Steps(tiles, Math.Max(1, BlockRows / TTile.Rows));
        int cutColumns = Math.Min(panels, Math.Max(
            Steps(step.Columns, _task.Lower ? BlockColumns / 2 : BlockColumns), (TasksPerWorker * _workers) / cutRows));
        int tasks = cutRows * cutColumns;
        while (_phases.TryClaim(phase + 1, tasks, out int index))
        {
            // Of a triangle the last rows are the longest; they come first, so that the threads end together.
            int r = _task.Lower ? cutRows - 1 - (index / cutColumns) : index / cutColumns, c = index % cutColumns;
            Multiply(step, Cut(tiles, r, cutRows), Cut(tiles, r + 1, cutRows), Cut(panels, c, cutColumns), Cut(panels, c + 1, cutColumns),
                scratch);
            _phases.Complete(phase + 1);
        }
        _phases.Wait(phase + 1, tasks);
    }

    private void Pack(ProductOperand<T> source, Extent step, int start, int total, int from, int count, int width, T* packed, bool negate)
    {
        int rows = Math.Min(count, total - from), padded = RoundUp(total, width);
        for (int block = step.Block; block < step.EndBlock; block++)
        {
            int first = First(block), k = First(block + 1) - first;
            long offset = ((long)padded * (first - First(step.Block))) + ((long)from * k);
            Touch.Within(offset, (long)RoundUp(rows, width) * k,
                (long)(packed == _packedA ? _stepRows : _stepColumns) * _stepBlocks * LongestBlock);
            T* target = packed + offset;
            MatrixPacking.Rows(source, start + from, rows, first, k, width, target);
            if (negate)
            {
                var span = new Span<T>(target, RoundUp(rows, width) * k);
                TensorPrimitives.Negate(span, span);
            }
        }
    }

    private void Multiply(Extent step, int firstTile, int lastTile, int firstPanel, int lastPanel, Scratch scratch)
    {
        int paddedRows = RoundUp(step.Rows, TTile.Rows), paddedColumns = RoundUp(step.Columns, TTile.Columns);
        int lastRow = step.Row + Math.Min(step.Rows, lastTile * TTile.Rows) - 1;
        for (int block = step.Block; block < step.EndBlock; block++)
        {
            int first = First(block), k = First(block + 1) - first, offset = first - First(step.Block);
            T* blockA = _packedA + ((long)paddedRows * offset);
            T* blockB = _packedB + ((long)paddedColumns * offset);
            var ahead = default(PanelPrefetch<T>);
            Touch.Within((long)paddedRows * offset, (long)lastTile * TTile.Rows * k, (long)_stepRows * _stepBlocks * LongestBlock);
            int chunk = _fewRows ? Math.Max(1, BlockRows / TTile.Rows) : lastTile - firstTile;
            for (int group = firstPanel, next; group < lastPanel; group = next)
            {
                int column = step.Column + (group * TTile.Columns);
                if (_task.Lower && column > lastRow)
                    break;
                next = _fewRows ? Math.Min(lastPanel, group + _groupPanels) : group + 1;
                T* panels = blockB + ((long)group * TTile.Columns * k);
                if (_fewRows)
                {
                    panels = scratch.Panel;
                    Touch.Within(0, (long)(next - group) * TTile.Columns * k, (long)_groupPanels * TTile.Columns * LongestBlock);
                    MatrixPacking.Rows(_task.B, column, Math.Min((next - group) * TTile.Columns, _task.N - column), first, k, TTile.Columns,
                        panels);
                    int shares = (next - group) * (lastTile - firstTile);
                    ahead = next < lastPanel ? Ahead(step, next, lastPanel, block, shares) : default;
                }
                for (int start = firstTile; start < lastTile; start += chunk)
                {
                    int end = Math.Min(lastTile, start + chunk);
                    for (int panel = group; panel < next; panel++)
                    {
                        for (int tile = start; tile < end; tile++)
                        {
                            nint* list = ahead.Next(scratch.List, Steps(k, TileStore.AheadTerms));
                            Tile(blockA + ((long)tile * TTile.Rows * k), panels + ((long)(panel - group) * TTile.Columns * k),
                                step.Row + (tile * TTile.Rows),
                                step.Column + (panel * TTile.Columns), k, _task.Accumulate || first > 0, scratch.Edge, list);
                        }
                    }
                }
            }
        }
    }

    // The group of panels from the given one on.
    private PanelPrefetch<T> Ahead(Extent step, int panel, int lastPanel, int block, int shares)
    {
        int column = step.Column + (panel * TTile.Columns), first = First(block), panels = Math.Min(_groupPanels, lastPanel - panel);
        return new(_task.B, column, Math.Min(panels * TTile.Columns, _task.N - column), first, First(block + 1) - first, shares);
    }

    private void Tile(T* a, T* b, int row, int column, int k, bool accumulate, T* edge, nint* ahead)
    {
        int rows = Math.Min(TTile.Rows, _task.M - row), columns = Math.Min(TTile.Columns, _task.N - column);
        if (_task.Lower && column > row + rows - 1)
            return;
        bool crossed = _task.Lower && column + columns - 1 > row;
        bool direct = columns == TTile.Columns && !crossed && _task.Wide == null;
        T* target = _task.Result + (row * _task.Stride) + column;
        if (direct && rows == TTile.Rows)
        {
            TTile.Multiply(a, b, target, _task.Stride, k, accumulate, ahead);
            return;
        }
        if (RoundUp(rows, 4) >= TTile.Rows)
        {
            TTile.Multiply(a, b, edge, TTile.Columns, k, false, ahead);
            TileEdge.Copy(_task, edge, TTile.Columns, row, rows, column, columns, accumulate);
            return;
        }
        for (int r = 0; r < rows; r += 4)
        {
            if (direct && r + 4 <= rows)
            {
                TTile.MultiplyFour(a + r, b, target + (r * _task.Stride), _task.Stride, k, accumulate);
                continue;
            }
            TTile.MultiplyFour(a + r, b, edge, TTile.Columns, k, false);
            TileEdge.Copy(_task, edge, TTile.Columns, row + r, Math.Min(4, rows - r), column, columns, accumulate);
        }
    }

    // Steps above the diagonal have nothing to do.
    private int FirstRow(int column) => _task.Lower ? column / _stepRows * _stepRows : 0;

    private int First(int block) => (int)((long)_task.K * block / _blocks);

    private static int Cut(int count, int part, int parts) => (int)((long)count * part / parts);

    private static int Steps(int count, int step) => (int)(((long)count + step - 1) / step);

    private static int RoundUp(int count, int step) => (count + step - 1) / step * step;

    // Vector loads that straddle cache lines cost twice; pooled arrays begin 16 bytes into a line.
    private static T* Align(T* buffer) => (T*)(((nint)buffer + 63) & ~(nint)63);

    private readonly record struct Extent(int Row, int Rows, int Column, int Columns, int Block, int EndBlock);

    private readonly struct Scratch(T* edge, T* panel, nint* list)
    {
        public readonly T* Edge = edge, Panel = panel;
        public readonly nint* List = list;
    }
}
