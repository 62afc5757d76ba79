namespace Vernier.Quantization.Objectives;

/// <summary>The order in which columns are taken one after the other.</summary>
public enum ColumnOrder
{
    /// <summary>As they stand.</summary>
    Natural,

    /// <summary>
    /// The input channels of most energy first ("act-order"). Scales are then fixed beforehand, so that groups stay consecutive columns.
    /// </summary>
    Activation,
}
