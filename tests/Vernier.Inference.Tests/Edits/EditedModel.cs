namespace Vernier.Tests.Edits;

/// <summary>A model in pieces that can be changed and written. A format, or a family whose files are unlike, is one more of
/// these.</summary>
internal abstract class EditedModel
{
    /// <summary>What it is, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>A copy that can be changed.</summary>
    public abstract EditedModel Copy();

    /// <summary>Makes one change.</summary>
    /// <returns>What it is.</returns>
    public abstract string Change(Random random);

    /// <summary>Writes it.</summary>
    /// <param name="folder">A folder of its own, which may hold what was written before.</param>
    /// <returns>The path of the model.</returns>
    public abstract string Write(string folder);

    /// <summary>The ids of its tokenizer, of which each needs a row; null for a model without one, or with one that nobody can
    /// read.</summary>
    public virtual int? Tokens => null;

    /// <summary>Members that nobody can know: a program that runs the model has to name them.</summary>
    public virtual IEnumerable<string> Unknown => [];
}
