using Vernier.Kernels;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Kernels;

/// <summary>The cut of matrices into panels and segments: every row and column is somewhere, once.</summary>
public class PanelPlanTests
{
    public static TheoryData<int, int, int, int> Cuts
    {
        get
        {
            var cuts = new TheoryData<int, int, int, int>();
            foreach (int columns in (int[])[1, 7, 24, 127, 128, 129, 1000, 1408])
            {
                foreach (int width in (int[])[1, 3, 16, 32, 100, 128, 160, 1408, int.MaxValue])
                    cuts.Add(37, columns, width, 37);
            }
            foreach (int rows in (int[])[1, 7, 15, 16, 17, 24, 33, 1000, 1408])
            {
                foreach (int group in (int[])[1, 7, 16, 24, 64, 1408])
                    cuts.Add(rows, 24, 32, Math.Min(group, rows));
            }
            return cuts;
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void EveryColumnIsInOneSegmentOfItsGranule(int rows, int columns, int width, int rowsPerGrid)
    {
        foreach (int bits in (int[])[2, 3, 4, 5, 6, 8])
        {
            var plan = new PanelPlan(rows, columns, width, rowsPerGrid, bits);
            int column = 0, quad = 0, step = CodeFormats.StepQuads(bits);
            foreach (Segment segment in plan.Segments)
            {
                Assert.Equal((column, quad), (segment.Column, segment.Quad));
                Assert.InRange(segment.Count, 1, 128);
                Assert.Equal(segment.Granule, column / width);
                Assert.Equal(segment.Granule, (column + segment.Count - 1) / width);
                Assert.Equal(0, segment.Quads % step);
                Assert.InRange(4 * segment.Quads - segment.Count, 0, 4 * step - 1);
                (column, quad) = (column + segment.Count, quad + segment.Quads);
            }
            Assert.Equal((columns, quad), (column, plan.Quads));
            Assert.Equal((columns - 1) / width + 1, plan.Granules);
            Assert.Equal(plan.Granules, plan.Segments.Select(segment => segment.Granule).Distinct().Count());
            Assert.Equal(quad * 4L * PanelPlan.PanelRows * bits / 8, plan.PanelBytes);
            Assert.Equal(4 * quad == columns, plan.IsContiguous);
        }
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public void EveryRowIsInOnePanelWithRowsOfItsGrid(int rows, int columns, int width, int rowsPerGrid)
    {
        var plan = new PanelPlan(rows, columns, width, rowsPerGrid, 4);
        int next = 0;
        for (int panel = 0; panel < plan.Panels; panel++)
        {
            int first = plan.Row(panel), count = plan.Rows(panel);
            Assert.Equal(next, first);
            Assert.InRange(count, 1, PanelPlan.PanelRows);
            Assert.Equal(first / rowsPerGrid, (first + count - 1) / rowsPerGrid);
            Assert.Equal(panel / plan.PanelsPerGrid, first / rowsPerGrid);
            next += count;
        }
        Assert.Equal(rows, next);
    }

    [Fact]
    public void MatricesAreCutAlikeWhereTheirSegmentsAre()
    {
        var plan = new PanelPlan(16, 256, 64, 16, 4);
        Assert.True(plan.IsCutAs(new PanelPlan(99, 256, 64, 3, 4)));
        Assert.True(plan.IsCutAs(new PanelPlan(16, 256, 64, 16, 2)));
        Assert.False(plan.IsCutAs(new PanelPlan(16, 256, 32, 16, 4)));
        Assert.False(plan.IsCutAs(new PanelPlan(16, 252, 64, 16, 4)));
        // Segments of 128 columns alike, and yet in other granules.
        Assert.False(new PanelPlan(16, 256, 128, 16, 8).IsCutAs(new PanelPlan(16, 256, 256, 16, 8)));
        // Granules of 24 columns fill two quads a step, and not eight.
        Assert.True(new PanelPlan(1, 48, 24, 1, 4).IsContiguous);
        Assert.False(new PanelPlan(1, 48, 24, 1, 3).IsContiguous);
    }

    [Fact]
    public void ALayoutIsCutByItsGranularity()
    {
        var layout = new ScalarLayout(20, 300, 7, Granularity.Group(100), 20, 1, WideLevels: false, ZeroPoints: false);
        PanelPlan plan = new(layout, CodeFormats.StoredBits(7)), whole = new(layout with { Granularity = Granularity.Tensor }, 8);
        Assert.Equal([100, 100, 100], plan.Segments.Select(segment => segment.Count));
        Assert.Equal([128, 128, 44], whole.Segments.Select(segment => segment.Count));
        Assert.Equal((3, 1, 2, 8), (plan.Granules, whole.Granules, plan.Panels, plan.StoredBits));
    }
}
