using Vernier.Packing;

namespace Vernier.Grids.Specs;

/// <summary>
/// A grid as it is chosen: its options, what they must keep to, what holds where nothing is said, and how a matrix on it is stored. Each
/// family of grids has a record of its
/// own, and recipes name it by its kind.
/// </summary>
public abstract record GridSpec
{
    /// <summary>Creates a grid.</summary>
    /// <param name="standard">The layout of levels where none is named.</param>
    protected GridSpec(LevelLayout standard) => Layouts = [standard];

    /// <summary>The layouts of levels to choose from, by the error that they leave; at least one. Many families have a single
    /// one.</summary>
    public IReadOnlyList<LevelLayout> Layouts { get; init; }

    /// <summary>The layout of packed matrices that the grid leads to, a class derived from <see cref="PackedLayout"/>: by it solvers are
    /// found.</summary>
    public abstract Type LayoutType { get; }

    /// <summary>The bits of a code in linear layers, where the grid says; null where they are a choice. Of trits it is the nearest whole
    /// number.</summary>
    public virtual int? FixedBits => null;

    /// <summary>The most bits of a weight that the grid can do: 8 unless it says otherwise.</summary>
    public virtual int MostBits => 8;

    /// <summary>Which weights share a scale where neither recipe nor command says: groups of 64 columns.</summary>
    public virtual Granularity DefaultGranularity => Granularity.Group(64);

    /// <summary>Whether embeddings and the head are on this grid too; otherwise they are on a uniform one.</summary>
    public virtual bool ServesEmbeddings => false;

    /// <summary>Whether the grid finds its scales itself, so that no rule for scales goes with it.</summary>
    public virtual bool HasOwnScales => false;

    /// <summary>Whether numbers can be added to single weights.</summary>
    public virtual bool TakesOutliers => true;

    /// <summary>Whether a weight of zero is sure to get a code that stands for zero, beside which it can be kept bit for bit.</summary>
    public virtual bool HasZero => true;

    /// <summary>What is wrong with the options, or null.</summary>
    public abstract string? Problem { get; }

    /// <summary>Which weights of a linear layer share a scale: what is asked for, unless the grid says.</summary>
    /// <param name="asked">What is asked for.</param>
    public virtual Granularity GranularityOf(Granularity asked) => asked;

    /// <summary>What keeps the grid from so many bits, in words that follow its name; or null.</summary>
    /// <param name="bits">Bits of a weight, 2 to 8.</param>
    public virtual string? ProblemWithBits(int bits) => null;

    /// <summary>How a matrix on this grid is stored, known before any work.</summary>
    /// <param name="rows">Output channels, at least 1.</param>
    /// <param name="columns">Input channels, at least 1.</param>
    /// <param name="bits">Bits of a code, 2 to 8; not used where the grid says them.</param>
    /// <param name="granularity">Which weights share a scale.</param>
    /// <returns>Null where the grid can't hold a matrix of this shape: it then stays as it is.</returns>
    /// <exception cref="ArgumentException">The grid can't do so many bits.</exception>
    public abstract PackedLayout? LayoutOf(int rows, int columns, int bits, Granularity granularity);

    /// <summary>Refuses any layout of levels but one.</summary>
    /// <param name="only">The one.</param>
    /// <param name="problem">What to say of others.</param>
    protected string? OtherThan(LevelLayout only, string problem) =>
        Layouts.Count == 0 ? "the grid has no layout" : Layouts.Count > 1 || Layouts[0] != only ? problem : null;
}
