namespace Vernier.Quantization.Networks;

/// <summary>Rows that are the input of a group of layers, as an observer sees them. They are valid during the call only.</summary>
public readonly ref struct GroupInput
{
    /// <summary>Shows rows.</summary>
    /// <param name="group">The group.</param>
    /// <param name="values">n x C, row by row.</param>
    /// <param name="ids">The samples of the n rows.</param>
    /// <exception cref="ArgumentException">There are not as many rows as samples.</exception>
    public GroupInput(LayerGroup group, ReadOnlySpan<float> values, ReadOnlySpan<SampleId> ids)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (values.Length != (long)ids.Length * group.Inputs)
            throw new ArgumentException($"{values.Length} numbers are not {ids.Length} rows of {group.Inputs}", nameof(values));
        Group = group;
        Values = values;
        Ids = ids;
    }

    /// <summary>The group.</summary>
    public LayerGroup Group { get; }

    /// <summary>The rows, n x C.</summary>
    public ReadOnlySpan<float> Values { get; }

    /// <summary>The samples of the rows.</summary>
    public ReadOnlySpan<SampleId> Ids { get; }

    /// <summary>n.</summary>
    public int Rows => Ids.Length;

    /// <summary>C.</summary>
    public int Columns => Group.Inputs;

    /// <summary>One row.</summary>
    /// <param name="row">0 to n - 1.</param>
    public ReadOnlySpan<float> Row(int row) => Values.Slice(row * Columns, Columns);
}
