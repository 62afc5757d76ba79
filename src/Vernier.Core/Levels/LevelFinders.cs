using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Vernier.Numerics;

namespace Vernier.Levels;

/// <summary>Finds the levels of a whole register of values; all finders of a table give what <see cref="LevelTable.Encode"/>
/// gives.</summary>
internal interface ILevelFinder<V>
    where V : struct
{
    /// <summary>The values of the levels of x.</summary>
    V Values(V x);

    /// <summary>The codes of x, as floats.</summary>
    V Codes(V x);
}

/// <summary>
/// A code is the number of boundaries that a value exceeds, so the value of its level is v_0 + sum over boundaries of
/// (v_(i+1) - v_i) [x > b_i], exactly: no lookup, and every lane does the same.
/// </summary>
internal readonly unsafe struct CountingFinder<V>(LevelTable table) : ILevelFinder<V>
    where V : struct, ISimdVector<V>
{
    private readonly float[] _boundaries = table.BoundaryArray, _steps = table.StepArray;
    private readonly float _first = table.Values[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Values(V x)
    {
        V value = V.Broadcast(_first);
        float[] steps = _steps, boundaries = _boundaries;
        for (int i = 0; i < boundaries.Length && i < steps.Length; i++)
            value = V.AddWhereGreater(value, x, V.Broadcast(boundaries[i]), V.Broadcast(steps[i]));
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Codes(V x)
    {
        V code = V.Zero, one = V.Broadcast(1);
        foreach (float boundary in _boundaries)
            code = V.AddWhereGreater(code, x, V.Broadcast(boundary), one);
        return code;
    }
}

/// <summary>Levels that are consecutive integers times a power of two: rounding, ties to even.</summary>
internal readonly unsafe struct RoundingFinder<V>(LevelTable table) : ILevelFinder<V>
    where V : struct, ISimdVector<V>
{
    private readonly V _unit = V.Broadcast(table.Unit), _inverse = V.Broadcast(1 / table.Unit);
    private readonly V _least = V.Broadcast(table.Levels[0]), _most = V.Broadcast(table.Levels[^1]), _first = V.Broadcast(-table.Levels[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Values(V x) => V.Multiply(V.RoundBetween(V.Multiply(x, _inverse), _least, _most), _unit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Codes(V x) => V.Add(V.RoundBetween(V.Multiply(x, _inverse), _least, _most), _first);
}

/// <summary>
/// The boundaries of a table of at most 32 levels as a binary tree: node 1 is the one in the middle, below node n are 2 n and 2 n + 1, and
/// after
/// all comparisons the node is the number of leaves + code.
/// </summary>
internal sealed class LevelTree
{
    private LevelTree(LevelTable table, int leaves)
    {
        (Nodes, Values) = (new float[leaves], new float[leaves]);
        for (int node = 1; node < leaves; node++)
        {
            int depth = BitOperations.Log2((uint)node), width = leaves >> depth;
            int boundary = (node - (1 << depth)) * width + width / 2 - 1;
            Nodes[node] = boundary < table.Boundaries.Length ? table.Boundaries[boundary] : float.PositiveInfinity;
        }
        for (int code = 0; code < leaves; code++)
            Values[code] = table.Values[Math.Min(code, table.Values.Length - 1)];
    }

    /// <summary>The boundaries; nodes that there are none for are never exceeded.</summary>
    public float[] Nodes { get; }

    /// <summary>The values of the levels.</summary>
    public float[] Values { get; }

    /// <summary>A tree of 16 or 32 leaves; null where there are more levels, or where no machine instruction would use it.</summary>
    public static LevelTree? For(LevelTable table) =>
        !Avx512F.IsSupported || table.Values.Length > 32 ? null : new LevelTree(table, table.Values.Length > 16 ? 32 : 16);
}

/// <summary>At most 16 levels: the tree in one register, permuted by the nodes of 16 lanes.</summary>
internal readonly struct Tree16Finder(LevelTree tree) : ILevelFinder<Simd512>
{
    private readonly Vector512<float> _nodes = Vector512.Create(tree.Nodes), _values = Vector512.Create(tree.Values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Simd512 Values(Simd512 x) => new(Avx512F.PermuteVar16x32(_values, Leaf(_nodes, x.Value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Simd512 Codes(Simd512 x) => new(Vector512.ConvertToSingle(Leaf(_nodes, x.Value) - Vector512.Create(16)));

    /// <summary>Four comparisons: nodes 16 to 31.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Leaf(Vector512<float> nodes, Vector512<float> x)
    {
        Vector512<int> node = Vector512.Create(2) - Vector512.GreaterThan(x, Vector512.Create(nodes[1])).AsInt32();
        node = Below(node, x, nodes);
        node = Below(node, x, nodes);
        return Below(node, x, nodes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Below(Vector512<int> node, Vector512<float> x, Vector512<float> nodes) =>
        node + node - Vector512.GreaterThan(x, Avx512F.PermuteVar16x32(nodes, node)).AsInt32();
}

/// <summary>At most 32 levels: the tree in two registers.</summary>
internal readonly struct Tree32Finder(LevelTree tree) : ILevelFinder<Simd512>
{
    private readonly Vector512<float> _nodes = Vector512.Create(tree.Nodes), _leaves = Vector512.Create(tree.Nodes, 16);
    private readonly Vector512<float> _low = Vector512.Create(tree.Values), _high = Vector512.Create(tree.Values, 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Simd512 Values(Simd512 x) => new(Avx512F.PermuteVar16x32x2(_low, Leaf(x.Value), _high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Simd512 Codes(Simd512 x) => new(Vector512.ConvertToSingle(Leaf(x.Value) - Vector512.Create(32)));

    // The boundaries of nodes 16 to 31 are the other register.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<int> Leaf(Vector512<float> x)
    {
        Vector512<int> node = Tree16Finder.Leaf(_nodes, x);
        return node + node - Vector512.GreaterThan(x, Avx512F.PermuteVar16x32(_leaves, node)).AsInt32();
    }
}
